/** A codec for tests: invertible, strict, and with taps that stall it, slow it and spoil frames. */
package io.kvwire.tck.codec;
