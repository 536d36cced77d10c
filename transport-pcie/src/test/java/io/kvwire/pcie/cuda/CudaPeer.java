package io.kvwire.pcie.cuda;

import io.kvwire.ffi.cuda.Context;
import io.kvwire.ffi.cuda.CudaLibrary;
import io.kvwire.pcie.Runs;

import java.util.HexFormat;

/**
 * The other process of {@link CudaIpcTest}: copies the blocks of the first region, last block
 * first, into memory of its own, and from there to the second region.
 */
public final class CudaPeer {
    private CudaPeer() {}

    /**
     * Runs it.
     *
     * @param args two regions, in hexadecimal digits; the bytes of a block
     */
    public static void main(String[] args) {
        var source = ExportedRegion.decode(HexFormat.of().parseHex(args[0]));
        var target = ExportedRegion.decode(HexFormat.of().parseHex(args[1]));
        int blockBytes = Integer.parseInt(args[2]);
        try (var context = Context.of(CudaLibrary.device(0));
                var memory = new CudaMemory("cuda:0", context);
                var imports = new ImportedRegions(memory)) {
            var theirs = imports.open(source);
            var again = imports.open(source);
            var back = imports.open(target);
            imports.close(source);
            var own = memory.allocate(theirs.byteSize(), 256);
            var from = new Runs();
            for (long at = theirs.byteSize() - blockBytes; at >= 0; at -= blockBytes) {
                from.add(at % 2 == 0 ? theirs : again, at, blockBytes);
            }
            memory.copy(from, new Runs().add(own, 0, own.byteSize()));
            memory.copy(
                    new Runs().add(own, 0, own.byteSize()),
                    new Runs().add(back, 0, back.byteSize()));
        }
        System.out.println("done");
    }
}
