/**
 * The fault injector: it stands between a node and its wires, whatever they are, so that every wire
 * meets the same faults. Start at {@link io.kvwire.tck.fault.FaultInjector}.
 */
package io.kvwire.tck.fault;
