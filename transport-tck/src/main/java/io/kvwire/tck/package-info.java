/** The conformance suite: a wire passes it by extending its classes and giving a factory. */
package io.kvwire.tck;
