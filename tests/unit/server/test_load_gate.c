#include "server/load_gate.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"

#define ROOM 1000u

static bool has(struct metrics *m, const char *line)
{
	cleanup(buf) struct buf out = buf_init(1024 * 1024);
	metrics_write(m, 0, &out);
	return strstr(out.data, line) != NULL;
}

static void requests_in_work_have_a_bound(void **state)
{
	struct metrics *m = metrics_new();
	struct load_gate gate = {.listener = "webhook", .metrics = m, .request_limit = 2};
	(void)state;
	assert_true(load_gate_enter(&gate));
	assert_true(load_gate_enter(&gate));
	assert_true(has(m, "sealgate_requests_in_work{listener=\"webhook\"} 2\n"));
	for (int i = 0; i < 3; i++)
		assert_false(load_gate_enter(&gate));
	load_gate_leave(&gate);
	assert_true(load_gate_enter(&gate));
	load_gate_leave(&gate);
	load_gate_leave(&gate);
	assert_true(has(m, "sealgate_requests_in_work{listener=\"webhook\"} 0\n"));
	assert_true(has(m, "sealgate_overload_total{listener=\"webhook\",reason=\"requests\"} 3\n"));
	metrics_free(m);
}

static void small_bodies_pass_whatever_large_ones_hold(void **state)
{
	struct metrics *m = metrics_new();
	struct load_gate gate = {.listener = "api", .metrics = m, .limits = {ROOM, ROOM}};
	(void)state;
	assert_true(load_gate_take(&gate, LOAD_BODIES, 0, LIMIT_BODY_FREE + ROOM));
	assert_false(load_gate_take(&gate, LOAD_BODIES, 0, LIMIT_BODY_FREE + 1));
	assert_false(load_gate_fits(&gate, LOAD_BODIES, LIMIT_BODY_FREE + 1));
	assert_true(load_gate_take(&gate, LOAD_BODIES, 0, LIMIT_BODY_FREE));
	assert_true(load_gate_fits(&gate, LOAD_BODIES, LIMIT_BODY_FREE));
	assert_true(has(m, "sealgate_held_bytes{listener=\"api\",of=\"bodies\"} 1000\n"));
	assert_true(has(m, "sealgate_overload_total{listener=\"api\",reason=\"bodies\"} 2\n"));
	/* Answers have a room of their own. */
	assert_true(load_gate_take(&gate, LOAD_ANSWERS, 0, LIMIT_BODY_FREE + ROOM));
	load_gate_give(&gate, LOAD_BODIES, LIMIT_BODY_FREE);
	load_gate_give(&gate, LOAD_BODIES, LIMIT_BODY_FREE + ROOM);
	assert_true(has(m, "sealgate_held_bytes{listener=\"api\",of=\"bodies\"} 0\n"));
	assert_true(load_gate_fits(&gate, LOAD_BODIES, LIMIT_BODY_FREE + ROOM));
	metrics_free(m);
}

static void a_body_costs_the_same_however_it_comes(void **state)
{
	struct load_gate gate = {.listener = "api", .limits = {ROOM, ROOM}};
	size_t size = 0;
	(void)state;
	while (load_gate_take(&gate, LOAD_BODIES, size, 7))
		size += 7;
	assert_int_equal(size, (LIMIT_BODY_FREE + ROOM) / 7 * 7);
	load_gate_give(&gate, LOAD_BODIES, size);
	assert_int_equal(atomic_load(&gate.held[LOAD_BODIES]), 0);
}

static void *come_and_go(void *context)
{
	struct load_gate *gate = context;
	for (int i = 0; i < 20000; i++) {
		if (load_gate_enter(gate))
			load_gate_leave(gate);
		if (load_gate_take(gate, LOAD_BODIES, LIMIT_BODY_FREE, ROOM / 2))
			load_gate_give(gate, LOAD_BODIES, LIMIT_BODY_FREE + ROOM / 2);
	}
	return NULL;
}

static void nothing_is_lost_between_threads(void **state)
{
	struct load_gate gate = {.listener = "api", .request_limit = 2, .limits = {ROOM, ROOM}};
	pthread_t threads[4];
	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, &gate), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&gate.requests), 0);
	assert_int_equal(atomic_load(&gate.held[LOAD_BODIES]), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_in_work_have_a_bound),
		cmocka_unit_test(small_bodies_pass_whatever_large_ones_hold),
		cmocka_unit_test(a_body_costs_the_same_however_it_comes),
		cmocka_unit_test(nothing_is_lost_between_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
