/** Block codecs and the frames that carry encoded blocks. */
package io.kvwire.codec;
