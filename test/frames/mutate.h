/* SPDX-License-Identifier: GPL-2.0-only */
/* Frames of all kinds, and what can be done to them. */
#ifndef TEST_FRAMES_MUTATE_H
#define TEST_FRAMES_MUTATE_H

#include "packet/harness.h"
#include "unit/oracle.h"

/* A valid frame: of any kind, or one that carries such a packet in some way. */
void frame_draw(struct numbers *numbers, struct frame *frame);
void frame_draw_for(struct numbers *numbers, const struct plain_packet *packet, struct frame *frame);

/* A frame and what changes it, none to six times: bits, bytes, fields of lengths and kinds, cuts, pieces of another. */
void frame_mutate(struct numbers *numbers, struct frame *frame);

/* Writes the addresses of a packet into a frame that spec_build made. */
void frame_address(struct frame *frame, const struct plain_packet *packet);

#endif
