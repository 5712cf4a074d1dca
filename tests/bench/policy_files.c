#include "tests/bench/policy_files.h"

#include <dirent.h>
#include <sys/stat.h>
#include <yaml.h>

#include "base/clock.h"
#include "base/codec.h"

#define KEYS_MAX (16u * 1024 * 1024)

enum { PER_FILE = 50, LINE = 64 };

/* Every key in one call of gpg: one each would take longer than all figures. */
static void make_keys(struct site *site, size_t count)
{
	cleanup(buf) struct buf batch = buf_init(KEYS_MAX);
	const char *argv[] = {"gpg", "--batch", "--quiet", "--generate-key", NULL};

	buf_add_c(&batch, "%no-protection\n");
	for (size_t i = 0; i < count; i++)
		buf_printf(&batch,
			   "Key-Type: eddsa\nKey-Curve: Ed25519\nKey-Usage: sign\nName-Email: team-%zu@example.org\n"
			   "Expire-Date: 0\n%%commit\n",
			   i);
	if (bed_run(site->bed, argv, batch.data, NULL, NULL) != 0)
		bench_give_up("gpg made no keys");
}

static void export_keys(struct site *site, struct buf *out)
{
	char *path = text_of("%s/all.gpg", site->bed->dir);
	const char *argv[] = {"gpg", "--batch", "--yes", "--output", path, "--export", "example.org", NULL};
	char block[4096];
	size_t got;
	FILE *file;

	if (bed_run(site->bed, argv, NULL, NULL, NULL) != 0 || !(file = fopen(path, "r")))
		bench_give_up("gpg exported no keys");
	while ((got = fread(block, 1, sizeof(block), file)) > 0)
		buf_add(out, (struct str){block, got});
	fclose(file);
	free(path);
}

/* The length of the old-format packet at the beginning of `bytes` (RFC 4880, 4.2.1), as gpg writes them. */
static size_t packet_length(struct str bytes)
{
	const unsigned char *p = (const unsigned char *)bytes.ptr;

	switch (p[0] & 3) {
	case 0:
		return 2u + p[1];
	case 1:
		return 3u + ((size_t)p[1] << 8) + p[2];
	default:
		bench_give_up("a packet of a kind that gpg does not export");
	}
}

static bool begins_key(struct str bytes)
{
	return bytes.len > 2 && ((unsigned char)bytes.ptr[0] & 0xfc) == 0x98;
}

/* Takes the next certificate off `rest`. */
static struct str next_key(struct str *rest)
{
	struct str key = {rest->ptr, 0};

	do {
		size_t length = packet_length(*rest);

		key.len += length;
		*rest = str_skip(*rest, length);
	} while (rest->len > 2 && !begins_key(*rest));
	return key;
}

static void add_armor(struct buf *out, struct str key)
{
	cleanup(buf) struct buf text = buf_init(64 * 1024);

	base64_encode(&text, key, BASE64_STANDARD);
	buf_add_c(out, "      -----BEGIN PGP PUBLIC KEY BLOCK-----\n\n");
	for (size_t at = 0; at < text.len; at += LINE)
		buf_printf(out, "      %.*s\n", LINE, text.data + at);
	buf_add_c(out, "      -----END PGP PUBLIC KEY BLOCK-----\n");
}

static void add_pair(struct buf *out, const char *name, const char *note, const char *images, struct str key)
{
	buf_printf(out,
		   "---\napiVersion: sealgate.dev/v1alpha1\nkind: Attestor\nmetadata:\n  name: %s\nspec:\n  note: %s\n"
		   "  publicKeys:\n  - openpgp: |\n",
		   name, note);
	add_armor(out, key);
	buf_printf(out,
		   "---\napiVersion: sealgate.dev/v1alpha1\nkind: ClusterImagePolicy\nmetadata:\n  name: %s\nspec:\n"
		   "  match:\n    images: [\"%s\"]\n  require:\n    attestations:\n    - attestors: [%s]\n",
		   name, images, name);
}

static void write_out(const char *directory, size_t number, struct buf *text)
{
	char *path = text_of("%s/policies-%04zu.yaml", directory, number);

	bed_write(path, text->data);
	buf_clear(text);
	free(path);
}

/* The site's own key, without its armour. */
static void read_own_key(struct site *site, struct buf *out)
{
	const char *argv[] = {"gpg", "--batch", "--yes", "--output", NULL, "--export", SITE_SIGNER, NULL};
	char *path = text_of("%s/own.gpg", site->bed->dir);
	char block[4096];
	FILE *file;

	argv[4] = path;
	if (bed_run(site->bed, argv, NULL, NULL, NULL) != 0 || !(file = fopen(path, "r")))
		bench_give_up("gpg exported no key");
	buf_add(out, (struct str){block, fread(block, 1, sizeof(block), file)});
	fclose(file);
	free(path);
}

static void add_team(struct buf *out, size_t number, struct str *keys)
{
	char *name = text_of("team-%zu", number), *note = text_of("projects/team-%zu/notes/qa", number);
	char *images = text_of("registry.example.com/team-%zu/**", number);

	add_pair(out, name, note, images, next_key(keys));
	free(name);
	free(note);
	free(images);
}

void policy_files_write(struct site *site, const char *directory, size_t count)
{
	cleanup(buf) struct buf keys = buf_init(KEYS_MAX), own = buf_init(KEYS_MAX), text = buf_init(KEYS_MAX);
	struct str rest;

	if (mkdir(directory, 0700) != 0)
		bench_give_up("%s can't be made", directory);
	if (count > 1) {
		make_keys(site, count - 1);
		export_keys(site, &keys);
	}
	read_own_key(site, &own);
	rest = buf_str(&keys);
	for (size_t i = 0; i < count; i++) {
		if (i == count / 2)
			add_pair(&text, "payment", "projects/" SITE_PROJECT "/notes/" SITE_NOTE,
				 "registry.example.com/payment", buf_str(&own));
		else
			add_team(&text, i, &rest);
		if (i % PER_FILE == PER_FILE - 1 || i == count - 1)
			write_out(directory, i / PER_FILE, &text);
	}
}

static void parse(const char *path)
{
	yaml_parser_t parser;
	yaml_event_t event;
	FILE *file = fopen(path, "r");
	bool more = true;

	if (!file || !yaml_parser_initialize(&parser))
		bench_give_up("%s can't be read", path);
	yaml_parser_set_input_file(&parser, file);
	while (more) {
		if (!yaml_parser_parse(&parser, &event))
			bench_give_up("%s is no YAML", path);
		more = event.type != YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	fclose(file);
}

double policy_files_parse_ms(const char *directory)
{
	int64_t start = clock_monotonic_us();
	DIR *entries = opendir(directory);
	struct dirent *entry;

	if (!entries)
		bench_give_up("%s can't be read", directory);
	while ((entry = readdir(entries))) {
		char *path = text_of("%s/%s", directory, entry->d_name);

		if (entry->d_name[0] != '.')
			parse(path);
		free(path);
	}
	closedir(entries);
	return (double)(clock_monotonic_us() - start) / 1000;
}
