/*
 * What a communication library does for one end of ends.c: one file for each library implements this. One end is one
 * process; everything is called by its one thread. A failure ends the program with fail().
 */
#ifndef KVWIRE_WIRE_H
#define KVWIRE_WIRE_H

#include <stddef.h>
#include <stdint.h>

enum { MAX_ENDS = 16, MAX_ADDRESS = 8192, MAX_KEY = 4096 };

/* A request: pieces that were put and then finished. */
typedef void *wire_request;

/* Memory that others may write to, or that is written from. */
typedef struct {
    char *at;
    size_t bytes;
    void *handle;
} wire_memory;

_Noreturn void fail(const char *what, const char *why);

/* What it is linked with. */
const char *wire_version(void);

/* Which transports: "tcp" on loopback, or "memory" of one host. Called before any process is forked. */
void wire_select(const char *link);

/* Starts this end; gives the bytes of its address. */
size_t wire_open(char address[MAX_ADDRESS]);

/* Memory of the library's own, registered, where it moves that faster than an application's; else none. */
wire_memory wire_allocate(size_t bytes);

/* Registers memory that the caller has. */
wire_memory wire_register(char *at, size_t bytes);

/* What another end needs to write there; gives its bytes. */
size_t wire_key(const wire_memory *memory, char key[MAX_KEY]);

void wire_release(wire_memory *memory);

/* Prepares writing into memory of another end; numbers count from 0. */
void wire_connect(int target, const char *address, const char *key, size_t key_bytes);

/* Writes bytes; returns before they have arrived. */
void wire_put(int target, const wire_memory *from, const char *at, size_t bytes, uint64_t to);

/* What was put to a target since the last call is one request. */
wire_request wire_finish(int target);

/* Whether everything of a request lies in the target's memory; a request that does is forgotten. */
int wire_done(wire_request request);

/* Sends a message to a target, or receives one, and waits for it. */
void wire_send(int target, const void *message, size_t bytes);
void wire_receive(void *message, size_t bytes);

/* Works on what is to be done; gives 0 where there was nothing, or no end is open. */
int wire_progress(void);

/* A descriptor that becomes readable when there is something to do; -1 when there is already, no such thing, or no end. */
int wire_sleeps(void);

/* Ends what wire_connect began, while the others still work; then this end. */
void wire_disconnect(int targets);
void wire_close(void);

#endif
