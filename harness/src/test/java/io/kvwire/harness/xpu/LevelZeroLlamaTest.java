package io.kvwire.harness.xpu;

import org.junit.jupiter.api.extension.ExtendWith;

/** The same on Level Zero, whose simulated driver runs the kernels. */
@ExtendWith(OnLevelZero.class)
class LevelZeroLlamaTest extends XpuLlamaTest {}
