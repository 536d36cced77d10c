/** A small Llama with a paged KV cache, its prefill and decode halves, and the command line. */
module io.kvwire.harness {
    requires com.fasterxml.jackson.databind;
    requires info.picocli;
    requires io.kvwire.codec;
    requires io.kvwire.tcp;
    requires io.kvwire.transport;
    requires jdk.incubator.vector;
    requires org.slf4j;

    opens io.kvwire.harness.cli to
            info.picocli;
}
