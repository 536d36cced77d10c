/** The demo: every step of the way from one process to two hosts, side by side. */
package io.kvwire.harness.demo;
