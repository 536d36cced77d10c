/** Memory of Level Zero devices: allocations, gather and scatter, INT8 codes. */
package io.kvwire.pcie.levelzero;
