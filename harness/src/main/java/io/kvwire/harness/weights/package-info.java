/** Where weights come from: safetensors files and resources, or a seed. */
package io.kvwire.harness.weights;
