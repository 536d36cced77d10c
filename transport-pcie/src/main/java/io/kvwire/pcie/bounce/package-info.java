/** Copies between the memories of two devices of one host, of any two makers. */
package io.kvwire.pcie.bounce;
