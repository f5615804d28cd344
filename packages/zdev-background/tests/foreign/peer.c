/* The peer in C: `peer TYPE bind|connect ENDPOINT ROUTING_ID`, with libzmq 4.0 or later. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

static void check(int good, const char* what) {
    if (good) return;
    fprintf(stderr, "%s: %s\n", what, zmq_strerror(zmq_errno()));
    exit(1);
}

static void set(void* socket, int option, int value) {
    check(zmq_setsockopt(socket, option, &value, sizeof value) == 0, "setsockopt");
}

static int socket_type(const char* name) {
    static const char* const names[] = {"PAIR", "PUB", "SUB", "REQ", "REP", "DEALER", "ROUTER", "PULL", "PUSH", "XPUB", "XSUB"};
    int type = 0;
    while (strcmp(names[type], name) != 0) type++;
    return type;
}

/* Overwrites the text by the bytes that it stands for, and returns how many. */
static size_t decode(char* text) {
    size_t size = strlen(text) / 2;
    for (size_t i = 0; i < size; i++) {
        char digits[] = {text[2 * i], text[2 * i + 1], 0};
        text[i] = (char)strtol(digits, NULL, 16);
    }
    return size;
}

static void send_message(void* socket, char* text) {
    while (text) {
        char* frame = strsep(&text, ",");
        size_t size = decode(frame);
        check(zmq_send(socket, frame, size, text ? ZMQ_SNDMORE : 0) >= 0, "send");
    }
}

static void receive_message(void* socket) {
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    int more = zmq_msg_recv(&frame, socket, 0) >= 0;
    if (!more) {
        check(zmq_errno() == EAGAIN, "receive");
        printf("nothing");
    }
    while (more) {
        const unsigned char* data = zmq_msg_data(&frame);
        for (size_t i = 0; i < zmq_msg_size(&frame); i++) printf("%02x", data[i]);
        more = zmq_msg_more(&frame);
        if (more) {
            printf(",");
            check(zmq_msg_recv(&frame, socket, 0) >= 0, "receive");
        }
    }
    printf("\n");
    fflush(stdout);
    zmq_msg_close(&frame);
}

static void obey(void* socket, char word, char* text) {
    if (word == '>') {
        send_message(socket, text);
    } else if (word == '<') {
        set(socket, ZMQ_RCVTIMEO, atoi(text));
        receive_message(socket);
    } else {
        size_t size = decode(text);
        check(zmq_setsockopt(socket, word == '+' ? ZMQ_SUBSCRIBE : ZMQ_UNSUBSCRIBE, text, size) == 0, "subscription");
    }
}

int main(int argc, char** argv) {
    if (argc != 5) return 64;
    const char *endpoint = argv[3], *routing_id = argv[4];
    void* context = zmq_ctx_new();
    void* socket = zmq_socket(context, socket_type(argv[1]));
    set(socket, ZMQ_LINGER, 1000);
    set(socket, ZMQ_SNDTIMEO, 10000);
    if (*routing_id) check(zmq_setsockopt(socket, ZMQ_IDENTITY, routing_id, strlen(routing_id)) == 0, "routing id");
    check((strcmp(argv[2], "bind") == 0 ? zmq_bind : zmq_connect)(socket, endpoint) == 0, endpoint);
    int major, minor, patch;
    zmq_version(&major, &minor, &patch);
    printf("%d.%d.%d\n", major, minor, patch);
    fflush(stdout);
    char* line = NULL;
    size_t room = 0;
    for (ssize_t size = getline(&line, &room, stdin); size > 0; size = getline(&line, &room, stdin)) {
        line[size - 1] = 0;
        obey(socket, line[0], line + 1);
    }
    free(line);
    zmq_close(socket);
    zmq_ctx_term(context);
    return 0;
}
