/** How blocks look as frames: docs/spec/kv-frame.md. Raw frames today. */
package io.kvwire.codec;
