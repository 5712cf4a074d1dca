/* A hundred containers with a hundred attested images, beside one container in a review of the same size. */
#include "tests/bench/figures.h"
#include "tests/bench/review_body.h"
#include "tests/bench/site.h"

enum { IMAGES = 100, BODY = 40000 };

static const struct case_ {
	const char *figure;
	unsigned connections;
} cases[] = {{"100 images in one review beside one", 1}, {"100 images in one review beside one", 16}};

static char *body_of_many(void)
{
	char *images[IMAGES], *body;

	for (uint64_t i = 0; i < IMAGES; i++)
		images[i] = site_image(i);
	body = review_body_of(BODY, (const char *const *)images, IMAGES);
	for (size_t i = 0; i < IMAGES; i++)
		free(images[i]);
	return body;
}

static void measure(struct bench *b, struct site *site, const char *many, const char *one, const struct case_ *c)
{
	struct load_plan hundred = site_plan(b, site, many, c->connections);
	struct load_plan single = site_plan(b, site, one, c->connections);
	struct measured us = {0}, reference = {0};
	bool wrong;

	bench_progress("%s, %u connections", c->figure, c->connections);
	bench_versus(b, &hundred, &single, &us, &reference);
	wrong = b->wrong;
	bench_row(b, (struct figure_name){c->figure, "40 KB", c->connections}, "us", &us.p50_us, &reference.p50_us,
		  AT_MOST(4));
	b->wrong = wrong;
	bench_row(b, (struct figure_name){"the same, server CPU each", "40 KB", c->connections}, "us", &us.cpu_us,
		  &reference.cpu_us, AT_MOST(4));
	site_forget_log(site);
}

void figures_containers(struct bench *b)
{
	char *many = body_of_many(), *image = site_image(0), *one = review_body(strlen(many), image);
	struct site site;

	bench_progress("%d images are attested", IMAGES);
	site_open_attested(&site, IMAGES);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		measure(b, &site, many, one, &cases[i]);
	site_close(&site);
	free(many);
	free(image);
	free(one);
}
