#include "cli/note_name.h"

static bool id_valid(struct str id)
{
	for (size_t i = 0; i < id.len; i++)
		if ((unsigned char)id.ptr[i] <= 0x20 || id.ptr[i] == 0x7f)
			return false;
	return id.len > 0;
}

static struct str next_segment(struct str *rest)
{
	struct str segment = str_head(*rest, str_find(*rest, '/'));

	*rest = str_skip(*rest, segment.len + 1);
	return segment;
}

bool note_name_read(struct str text, struct note_name *out, struct err *e)
{
	struct str rest = text;
	struct str projects = next_segment(&rest);
	struct str project = next_segment(&rest);
	struct str notes = next_segment(&rest);

	if (!str_eq_c(projects, "projects") || !str_eq_c(notes, "notes") || !id_valid(project) || !id_valid(rest) ||
	    str_find(rest, '/') < rest.len)
		return err_set(e, ERR_INVALID, "\"%.*s\" is not the name of a note: projects/PROJECT/notes/NOTE",
			       STR_ARG(text));
	*out = (struct note_name){.project = project, .note = rest};
	return true;
}
