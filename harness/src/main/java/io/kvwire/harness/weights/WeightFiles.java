package io.kvwire.harness.weights;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * Weights from one or several safetensors files: {@code model.safetensors}, or the shards that
 * {@code model.safetensors.index.json} lists. Owns the files and closes them. Confined to one
 * thread.
 */
public final class WeightFiles implements Weights {
    static final String SINGLE = "model.safetensors";
    static final String INDEX = "model.safetensors.index.json";

    private final List<Safetensors> files;
    private final String where;

    private WeightFiles(List<Safetensors> files, String where) {
        this.files = List.copyOf(files);
        this.where = where;
    }

    /**
     * Opens the weights in a folder.
     *
     * @param folder a folder as Hugging Face lays it out
     * @return the open weights
     * @throws ModelException if there are none or a file is broken
     */
    public static WeightFiles open(Path folder) {
        var single = folder.resolve(SINGLE);
        if (Files.isRegularFile(single)) {
            return new WeightFiles(List.of(Safetensors.open(single)), single.toString());
        }
        var index = folder.resolve(INDEX);
        if (!Files.isRegularFile(index)) {
            throw new ModelException(
                    folder
                            + " holds neither "
                            + SINGLE
                            + " nor "
                            + INDEX
                            + "; give the folder of a model in safetensors format");
        }
        var opened = new ArrayList<Safetensors>();
        try {
            for (var name : shards(index)) {
                opened.add(Safetensors.open(folder.resolve(name)));
            }
            return new WeightFiles(opened, index.toString());
        } catch (RuntimeException e) {
            opened.forEach(Safetensors::close);
            throw e;
        }
    }

    /**
     * Takes over an open file.
     *
     * @param file the file; closed with these weights
     * @return the weights in it
     */
    public static WeightFiles of(Safetensors file) {
        return new WeightFiles(List.of(file), file.where());
    }

    private static Set<String> shards(Path index) {
        try {
            var map = new JsonMapper().readTree(index.toFile()).path("weight_map");
            var names = new TreeSet<String>();
            map.forEach(name -> names.add(name.asText()));
            if (names.isEmpty()) {
                throw new ModelException(index + " lists no file under weight_map");
            }
            for (var name : names) {
                // A shard lies beside its index; anything else could reach out of the folder.
                if (!Path.of(name).equals(Path.of(name).getFileName())) {
                    throw new ModelException(
                            index
                                    + " names the shard '"
                                    + name
                                    + "', which is not a plain file name");
                }
            }
            return names;
        } catch (InvalidPathException e) {
            throw new ModelException(
                    index + " names a shard that is no file name; fetch it again", e);
        } catch (JsonProcessingException e) {
            throw new ModelException(
                    index + " is no valid JSON: " + e.getOriginalMessage() + "; fetch it again", e);
        } catch (IOException e) {
            throw new ModelException(index + " cannot be read: " + e, e);
        }
    }

    @Override
    public Matrix matrix(String name, int rows, int columns) {
        var tensor = tensor(name, List.of((long) rows, (long) columns));
        return (row, target) -> tensor.read((long) row * columns, target, columns);
    }

    @Override
    public float[] vector(String name, int size) {
        var values = new float[size];
        tensor(name, List.of((long) size)).read(0, values, size);
        return values;
    }

    private Tensor tensor(String name, List<Long> shape) {
        var file = files.stream().filter(f -> f.tensor(name).isPresent()).findFirst();
        if (file.isEmpty()) {
            throw new ModelException(
                    where + " has no tensor " + name + "; check that config.json belongs to it");
        }
        var tensor = file.get().tensor(name).orElseThrow();
        if (!tensor.shape().equals(shape)) {
            throw new ModelException(
                    file.get().where()
                            + ": tensor "
                            + name
                            + " is "
                            + tensor.describe()
                            + " but config.json asks for "
                            + shape
                            + "; check that they belong together");
        }
        tensor.elementType(); // refuses other types before the first row is read
        return tensor;
    }

    @Override
    public String describe() {
        return where;
    }

    @Override
    public void close() {
        files.forEach(Safetensors::close);
    }
}
