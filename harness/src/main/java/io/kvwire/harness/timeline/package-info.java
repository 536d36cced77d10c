/** Where the time of a run went: what was computed, encoded, carried and decoded when. */
package io.kvwire.harness.timeline;
