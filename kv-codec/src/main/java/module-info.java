/** Codecs of KV blocks: self-describing, checked frames. */
module io.kvwire.codec {
    requires transitive io.kvwire.transport;

    exports io.kvwire.codec;
}
