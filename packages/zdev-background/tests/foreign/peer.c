/* The peer in C: `peer TYPE bind|connect ENDPOINT ROUTING_ID [SECURITY]`, with libzmq 4.1 or later. */
#define _GNU_SOURCE
#include <pthread.h>
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

static char** admitted; /* a name and its password */

static void answer(void* handler, const char* text, int more) { zmq_send(handler, text, strlen(text), more ? ZMQ_SNDMORE : 0); }

/* Answers the requests of a server of PLAIN (RFC 27), until the context is terminated. */
static void* handle_zap(void* handler) {
    char frames[8][256]; /* the last three: mechanism, name, password */
    for (;;) {
        for (int i = 0; i < 8; i++) {
            int size = zmq_recv(handler, frames[i], 255, 0);
            if (size < 0) {
                zmq_close(handler);
                return NULL;
            }
            frames[i][size] = 0;
        }
        int known = strcmp(frames[6], admitted[0]) == 0 && strcmp(frames[7], admitted[1]) == 0;
        answer(handler, "1.0", 1);
        answer(handler, frames[1], 1);
        answer(handler, known ? "200" : "400", 1);
        answer(handler, "", 1);
        answer(handler, "", 1);
        answer(handler, "", 0);
    }
}

static void start_zap(void* context) {
    pthread_t thread;
    void* handler = zmq_socket(context, ZMQ_REP);
    check(zmq_bind(handler, "inproc://zeromq.zap.01") == 0, "ZAP");
    check(pthread_create(&thread, NULL, handle_zap, handler) == 0, "thread");
    pthread_detach(thread);
}

static void set_text(void* socket, int option, const char* value) {
    check(zmq_setsockopt(socket, option, value, strlen(value)) == 0, value);
}

/* `words`: the mechanism and its arguments. */
static void secure(void* context, void* socket, char** words) {
    if (strncmp(words[0], "curve", 5) == 0) {
        if (!zmq_has("curve")) {
            printf("without CURVE\n");
            exit(0);
        }
        set_text(socket, ZMQ_CURVE_PUBLICKEY, words[1]);
        set_text(socket, ZMQ_CURVE_SECRETKEY, words[2]);
        if (words[3])
            set_text(socket, ZMQ_CURVE_SERVERKEY, words[3]);
        else
            set(socket, ZMQ_CURVE_SERVER, 1);
    } else if (strcmp(words[0], "plain-client") == 0) {
        set_text(socket, ZMQ_PLAIN_USERNAME, words[1]);
        set_text(socket, ZMQ_PLAIN_PASSWORD, words[2]);
    } else {
        admitted = words + 1;
        start_zap(context);
        set(socket, ZMQ_PLAIN_SERVER, 1);
    }
}

int main(int argc, char** argv) {
    if (argc < 5) return 64;
    const char *endpoint = argv[3], *routing_id = argv[4];
    void* context = zmq_ctx_new();
    void* socket = zmq_socket(context, socket_type(argv[1]));
    set(socket, ZMQ_LINGER, 1000);
    set(socket, ZMQ_SNDTIMEO, 10000);
    if (*routing_id) check(zmq_setsockopt(socket, ZMQ_IDENTITY, routing_id, strlen(routing_id)) == 0, "routing id");
    if (argc > 5) secure(context, socket, argv + 5);
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
