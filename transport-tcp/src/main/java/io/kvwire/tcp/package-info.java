/** Moves blocks over TCP: payload straight from source memory, straight into target memory. */
package io.kvwire.tcp;
