/** What a user of kvwire calls, and everything that is the same for every wire. */
package io.kvwire.transport;
