/** The RDMA data path: reliable queue pairs, one-sided transfers, behind one provider of verbs. */
package io.kvwire.rdma;
