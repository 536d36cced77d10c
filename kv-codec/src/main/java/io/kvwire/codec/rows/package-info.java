/** The arithmetic of the int8 schemes on rows of elements, as docs/spec/kv-frame.md fixes it. */
package io.kvwire.codec.rows;
