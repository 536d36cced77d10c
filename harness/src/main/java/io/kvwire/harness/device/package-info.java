/** Where the model runs: the seam between the two halves of a run and the devices. */
package io.kvwire.harness.device;
