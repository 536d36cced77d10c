package io.kvwire.bench;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.util.Arrays;
import java.util.stream.Stream;

/**
 * The rules that hold the modules apart, checked on the compiled classes of all of them.
 *
 * <p>They stand here because this module is the only one that sees every other.
 */
class ArchitectureTest {

    private static final String CONTRACT = "io.kvwire.transport..";
    private static final String TCK = "io.kvwire.tck..";
    private static final String CODEC = "io.kvwire.codec..";
    private static final String BINDINGS = "io.kvwire.ffi..";
    private static final String[] WIRES = {
        "io.kvwire.tcp..", "io.kvwire.rdma..", "io.kvwire.pcie.."
    };
    private static final String[] APPLICATIONS = {"io.kvwire.harness..", "io.kvwire.bench.."};

    private static JavaClasses kvwire;

    @BeforeAll
    static void importEveryModule() {
        kvwire =
                new ClassFileImporter()
                        .withImportOption(new ImportOption.DoNotIncludeTests())
                        .importPackages("io.kvwire");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "transport",
                "tck",
                "codec",
                "ffi",
                "tcp",
                "rdma",
                "pcie",
                "harness",
                "bench"
            })
    void everyModuleIsSeenByTheseRules(String module) {
        var inside = "io.kvwire." + module;
        assertTrue(
                kvwire.stream().anyMatch(c -> c.getPackageName().startsWith(inside)),
                () -> "no class of " + inside + " was imported, so its rules would check nothing");
    }

    @Test
    void theContractKnowsTheJdkAlone() {
        classes()
                .that()
                .resideInAPackage(CONTRACT)
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage(CONTRACT, "java..")
                .check(kvwire);
    }

    @Test
    void theConformanceSuiteKnowsTheContractAndJunitAlone() {
        classes()
                .that()
                .resideInAPackage(TCK)
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage(
                        TCK,
                        CONTRACT,
                        "java..",
                        "org.junit.jupiter..",
                        "org.opentest4j..",
                        "org.awaitility..")
                .check(kvwire);
    }

    @Test
    void codecsAndBindingsKnowNoWireAndNoApplication() {
        noClasses()
                .that()
                .resideInAnyPackage(CODEC, BINDINGS)
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(concat(WIRES, APPLICATIONS, TCK))
                .check(kvwire);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2})
    void aWireKnowsNoOtherWireAndNoApplication(int wire) {
        var others = Stream.of(WIRES).filter(w -> !w.equals(WIRES[wire])).toArray(String[]::new);
        noClasses()
                .that()
                .resideInAPackage(WIRES[wire])
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(concat(others, APPLICATIONS, TCK))
                .check(kvwire);
    }

    @Test
    void theHarnessKnowsNoBenchmarkAndNoTest() {
        noClasses()
                .that()
                .resideInAPackage("io.kvwire.harness..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("io.kvwire.bench..", TCK, "org.junit..")
                .check(kvwire);
    }

    @Test
    void nativeFunctionsAreCalledInFfiPackagesAlone() {
        noClasses()
                .that()
                .resideOutsideOfPackage("..ffi..")
                .should()
                .dependOnClassesThat()
                .belongToAnyOf(Linker.class, Linker.Option.class, SymbolLookup.class)
                .check(kvwire);
    }

    @Test
    void theVectorApiIsUsedInSimdPackagesAlone() {
        noClasses()
                .that()
                .resideOutsideOfPackage("..simd..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("jdk.incubator.vector..")
                .check(kvwire);
    }

    @Test
    void nothingReachesBehindTheJdk() {
        noClasses()
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("sun..", "jdk.internal..")
                .check(kvwire);
    }

    @Test
    void nothingTravelsAsSerializedObjects() {
        noClasses()
                .should()
                .dependOnClassesThat()
                .belongToAnyOf(ObjectInputStream.class, ObjectOutputStream.class)
                .check(kvwire);
    }

    private static String[] concat(String[] first, String[] second, String last) {
        return Stream.of(Arrays.stream(first), Arrays.stream(second), Stream.of(last))
                .flatMap(s -> s)
                .toArray(String[]::new);
    }
}
