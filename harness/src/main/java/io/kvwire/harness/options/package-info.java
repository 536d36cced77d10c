/** What options of several commands have in common. */
package io.kvwire.harness.options;
