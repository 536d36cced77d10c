/** Memory of OpenCL devices, so that caches in it travel over every wire. */
package io.kvwire.pcie.opencl;
