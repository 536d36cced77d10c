/** What codecs do to a model's text: {@code kvwire quality}. */
package io.kvwire.harness.quality;
