/** What the memories of all devices keep for the copies and codings at work. */
package io.kvwire.pcie.lanes;
