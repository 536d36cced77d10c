package io.kvwire.harness.demo;

import io.kvwire.harness.device.ComputeDevices;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Which steps the devices of this host add to those that run on the CPU alone: 0 and 1 on CUDA, 0.5
 * and 1.5 on OpenCL, 2 between the two, and each of them with the CPU where the other is missing.
 */
final class DemoDevices {
    private static final String CUDA = "cuda";
    private static final String XPU = "xpu";
    private static final String CPU = "cpu";

    private final Set<String> wanted;
    private final List<String> here = new ArrayList<>();
    private final List<String> remarks = new ArrayList<>();

    DemoDevices(Set<String> wanted) {
        this.wanted = wanted;
        look(CUDA, List.of("0", "1", "2", "3"));
        look(XPU, List.of("0.5", "1.5", "2", "3"));
    }

    private void look(String kind, List<String> steps) {
        if (!ComputeDevices.kinds().contains(kind) || steps.stream().noneMatch(wanted::contains)) {
            return;
        }
        ComputeDevices.unavailable(kind)
                .ifPresentOrElse(
                        why ->
                                remarks.add(
                                        "steps "
                                                + String.join(", ", steps)
                                                + " with "
                                                + kind
                                                + " were left out: "
                                                + why),
                        () -> here.add(kind));
    }

    /** {@return why devices are missing, one line for each kind} */
    List<String> remarks() {
        return List.copyOf(remarks);
    }

    /** {@return a step in one process for each device} */
    List<Step> alone() {
        return here.stream()
                .map(kind -> Step.alone(kind.equals(CUDA) ? "0" : "0.5", kind))
                .filter(step -> wanted.contains(step.number()))
                .toList();
    }

    /** {@return groups of steps in two processes of one host, each with seats of its own} */
    List<List<Step>> oneHost() {
        var alike =
                here.stream()
                        .map(kind ->
                                Step.onDevices(
                                        kind.equals(CUDA) ? "1" : "1.5",
                                        new Step.Seats(kind, kind)));
        var unlike = unlike().stream().map(seats -> Step.onDevices("2", seats));
        return Stream.concat(alike, unlike)
                .filter(steps -> wanted.contains(steps.getFirst().number()))
                .toList();
    }

    private List<Step.Seats> unlike() {
        if (here.size() == 2) {
            return List.of(new Step.Seats(CUDA, XPU), new Step.Seats(XPU, CUDA));
        }
        return here.stream()
                .flatMap(kind -> Stream.of(new Step.Seats(kind, CPU), new Step.Seats(CPU, kind)))
                .toList();
    }

    /** {@return the seats of step 3 with devices; empty when there is none} */
    Optional<Step.Seats> twoHosts() {
        return unlike().stream().findFirst();
    }
}
