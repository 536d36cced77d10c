/** Text to token ids and back. */
package io.kvwire.harness.tokenizer;
