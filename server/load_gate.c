#include "server/load_gate.h"

#include "base/limits.h"

static const char *const room_names[LOAD_ROOMS] = {[LOAD_BODIES] = "bodies", [LOAD_ANSWERS] = "answers"};

static void count_refusal(struct load_gate *gate, const char *reason)
{
	if (gate->metrics)
		metrics_overload(gate->metrics, gate->listener, reason);
}

static void count_request(struct load_gate *gate, int change)
{
	if (gate->metrics)
		metrics_in_work(gate->metrics, gate->listener, change);
}

bool load_gate_enter(struct load_gate *gate)
{
	if (atomic_fetch_add(&gate->requests, 1) < gate->request_limit) {
		count_request(gate, 1);
		return true;
	}
	atomic_fetch_sub(&gate->requests, 1);
	count_refusal(gate, "requests");
	return false;
}

void load_gate_leave(struct load_gate *gate)
{
	atomic_fetch_sub(&gate->requests, 1);
	count_request(gate, -1);
}

void load_gate_refuse(struct load_gate *gate)
{
	count_refusal(gate, "requests");
}

static size_t cost(size_t size)
{
	return size > LIMIT_BODY_FREE ? size - LIMIT_BODY_FREE : 0;
}

static void hold(struct load_gate *gate, enum load_room room, size_t taken, size_t given)
{
	atomic_fetch_sub(&gate->held[room], given);
	if (gate->metrics)
		metrics_held_bytes(gate->metrics, gate->listener, room_names[room], (int64_t)taken - (int64_t)given);
}

bool load_gate_fits(struct load_gate *gate, enum load_room room, size_t size)
{
	size_t held = atomic_load(&gate->held[room]), wanted = cost(size);
	if (wanted == 0 || (held <= gate->limits[room] && wanted <= gate->limits[room] - held))
		return true;
	count_refusal(gate, room_names[room]);
	return false;
}

bool load_gate_take(struct load_gate *gate, enum load_room room, size_t before, size_t more)
{
	size_t wanted = cost(before + more) - cost(before);
	if (wanted == 0)
		return true;
	if (atomic_fetch_add(&gate->held[room], wanted) + wanted <= gate->limits[room]) {
		hold(gate, room, wanted, 0);
		return true;
	}
	atomic_fetch_sub(&gate->held[room], wanted);
	count_refusal(gate, room_names[room]);
	return false;
}

void load_gate_give(struct load_gate *gate, enum load_room room, size_t size)
{
	if (cost(size) > 0)
		hold(gate, room, 0, cost(size));
}
