package io.kvwire.pcie.cuda;

import io.kvwire.ffi.cuda.Context;
import io.kvwire.ffi.cuda.CudaLibrary;

import java.util.Arrays;
import java.util.HexFormat;

/**
 * The other process of {@link GpuMeasurements}: pulls a region into memory of its own and prints
 * the median of the device's nanoseconds.
 */
public final class GpuPull {
    private GpuPull() {}

    /**
     * Runs it.
     *
     * @param args the region, in hexadecimal digits; rounds
     */
    public static void main(String[] args) {
        var region = ExportedRegion.decode(HexFormat.of().parseHex(args[0]));
        long[] nanos = new long[Integer.parseInt(args[1])];
        try (var context = Context.of(CudaLibrary.device(0));
                var memory = new CudaMemory("cuda:0", context);
                var imports = new ImportedRegions(memory);
                var stream = context.stream();
                var start = context.timedEvent();
                var end = context.timedEvent()) {
            var theirs = imports.open(region);
            var own = memory.allocate(theirs.byteSize(), 256);
            for (int i = -1; i < nanos.length; i++) {
                stream.record(start);
                stream.copy(theirs.address(), own.address(), own.byteSize());
                stream.record(end);
                end.await();
                nanos[Math.max(i, 0)] = Math.max(1, end.nanosSince(start));
            }
        }
        Arrays.sort(nanos);
        System.out.println(nanos[nanos.length / 2]);
    }
}
