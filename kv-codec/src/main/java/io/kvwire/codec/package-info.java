/** How blocks look as frames, raw or as INT8 codes: docs/spec/kv-frame.md. */
package io.kvwire.codec;
