/**
 * Classes with the names and signatures of IBM's jVerbs, as far as kvwire calls them, on kvwire's
 * own bindings of verbs: for tests of what binds jVerbs by name. Nothing here is IBM's.
 */
package com.ibm.net.rdma.jverbs.verbs;
