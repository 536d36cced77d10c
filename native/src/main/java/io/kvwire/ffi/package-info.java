/** What the bindings of all libraries share: opening them, finding functions, reading errno. */
package io.kvwire.ffi;
