import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Compiles the simulated drivers of CUDA and Level Zero that tests use where there is no GPU, with the
 * device kernels compiled for this host; says what is missing and goes on where it cannot.
 *
 * <p>Where {@code cuda.h} is, the simulator's functions are compared with those that it declares: in
 * the folder that the environment's {@code CUDA_INCLUDE} names, or in {@code
 * /usr/local/cuda/include}.
 *
 * <p>Arguments: the folder of the simulator's C sources, that of the kernels, that of the result;
 * the source of the driver of Level Zero, the folder of the result.
 */
final class CompileSimulators {
    private static final Pattern KERNEL =
            Pattern.compile("KV_KERNEL\\s+(\\w+)\\s*\\(([^)]*)\\)\\s*\\{(.*?)\\n\\}", Pattern.DOTALL);
    private static final Pattern COMMENT = Pattern.compile("/\\*.*?\\*/", Pattern.DOTALL);
    private static final Pattern PARAMETER = Pattern.compile("(.*?)(\\w+)", Pattern.DOTALL);
    private static final List<String> WAITS =
            List.of("KV_BARRIER", "kv_places(", "kv_team_largest(");

    private CompileSimulators() {}

    public static void main(String[] args) throws IOException, InterruptedException {
        var sources = Path.of(args[0]);
        var folder = Files.createDirectories(Path.of(args[2]));
        var kernels = folder.resolve("kernels.c");
        Files.writeString(kernels, kernels(Path.of(args[1])));
        if (compile(sources, kernels, folder.resolve("libcuda.so.1"), List.of())) {
            compareWithHeader(sources, kernels, folder.resolve("compared.so"));
            levelZero(sources, kernels, Path.of(args[3]), Path.of(args[4]));
        }
    }

    /** The simulated driver of Level Zero, with the same kernels. */
    private static void levelZero(Path sources, Path kernels, Path driver, Path folder)
            throws IOException, InterruptedException {
        if (!run(command(sources, "-fsyntax-only", "-include", "level_zero/ze_api.h", "-x", "c", "/dev/null"))
                .isEmpty()) {
            System.out.println("The simulated Level Zero driver is left out: install libze-dev");
            return;
        }
        var library = Files.createDirectories(folder).resolve("libze_loader.so.1");
        var command = command(sources, "-Wno-address", driver.toString());
        command.addAll(
                List.of(
                        sources.resolve("cuda_simulator_device.c").toString(),
                        kernels.toString(),
                        "-o",
                        library.toString(),
                        "-lm"));
        var errors = run(command);
        if (!errors.isEmpty()) {
            throw new IllegalStateException("the simulated Level Zero driver does not compile:\n" + errors);
        }
    }

    private static void compareWithHeader(Path sources, Path kernels, Path library)
            throws IOException, InterruptedException {
        var headers = System.getenv().getOrDefault("CUDA_INCLUDE", "/usr/local/cuda/include");
        if (Files.exists(Path.of(headers, "cuda.h"))) {
            // Its results are of an enum: the simulator's numbers are meant.
            compile(
                    sources,
                    kernels,
                    library,
                    List.of("-DSIM_CUDA_H", "-Wno-enum-conversion", "-isystem", headers));
        }
    }

    /** The kernels, and for each a function that takes its arguments as a launch gives them. */
    private static String kernels(Path folder) throws IOException {
        var text = new StringBuilder("#include \"cuda_simulator_kernels.h\"\n");
        for (var name : List.of("kv_rows.h", "kv_runs.h", "llama.h")) {
            var file = folder.resolve(name);
            text.append(Files.exists(file) ? Files.readString(file) : "");
        }
        var table = new StringBuilder();
        int count = 0;
        Matcher kernel = KERNEL.matcher(COMMENT.matcher(text.toString()).replaceAll(""));
        while (kernel.find()) {
            table.append(row(text, kernel));
            count++;
        }
        return text + "const SimKernel sim_kernels[] = {\n" + table + "};\nconst int sim_kernel_count = "
                + count + ";\n";
    }

    private static String row(StringBuilder text, Matcher kernel) {
        var name = kernel.group(1);
        var values = new ArrayList<String>();
        var sizes = new ArrayList<String>();
        var pointers = new ArrayList<String>();
        for (var parameter : kernel.group(2).split(",")) {
            var parts = PARAMETER.matcher(parameter.strip());
            if (!parts.matches()) {
                throw new IllegalArgumentException(parameter + " of " + name);
            }
            var type = parts.group(1).strip();
            values.add("*(" + type + " *) a[" + values.size() + "]");
            sizes.add("sizeof(" + type + ")");
            pointers.add(type.endsWith("*") ? "1" : "0");
        }
        boolean waits = WAITS.stream().anyMatch(kernel.group(3)::contains);
        text.append("static void call_" + name + "(void **a) { " + name + "(")
                .append(String.join(", ", values) + "); }\n")
                .append("static const size_t sizes_" + name + "[] = {" + String.join(", ", sizes))
                .append("};\nstatic const unsigned char pointers_" + name + "[] = {")
                .append(String.join(", ", pointers) + "};\n");
        return "    {\"" + name + "\", call_" + name + ", " + (waits ? 1 : 0) + ", " + values.size()
                + ", sizes_" + name + ", pointers_" + name + "},\n";
    }

    private static boolean compile(Path sources, Path kernels, Path library, List<String> options)
            throws IOException, InterruptedException {
        var command = command(sources, options.toArray(String[]::new));
        for (var name : List.of("", "_memory", "_device")) {
            command.add(sources.resolve("cuda_simulator" + name + ".c").toString());
        }
        command.addAll(List.of(kernels.toString(), "-o", library.toString(), "-lm"));
        try {
            var errors = run(command);
            if (!errors.isEmpty()) {
                throw new IllegalStateException("the simulated CUDA driver does not compile:\n" + errors);
            }
            return true;
        } catch (IOException _) {
            System.out.println("The simulated CUDA driver is left out: no C compiler " + command.getFirst());
            return false;
        }
    }

    private static List<String> command(Path sources, String... options) {
        var compiler = System.getenv().getOrDefault("CC", "cc");
        var command =
                new ArrayList<>(
                        List.of(compiler, "-O2", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function"));
        // No sum may be fused or reordered: results are compared to the bit.
        command.addAll(List.of("-ffp-contract=off", "-fno-builtin-fmaf", "-shared", "-fPIC", "-pthread"));
        command.addAll(List.of(options));
        command.add("-I" + sources);
        return command;
    }

    /** What a compiler says when it fails; empty when it does not. */
    private static String run(List<String> command) throws IOException, InterruptedException {
        var process = new ProcessBuilder(command).redirectErrorStream(true).start();
        var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return process.waitFor() == 0 ? "" : output.isBlank() ? "no reason given" : output;
    }
}
