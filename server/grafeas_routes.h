/* The handlers behind the table of routes; private to grafeas_*.c. Each answers one verb on one kind of path. */
#ifndef SEALGATE_SERVER_GRAFEAS_ROUTES_H
#define SEALGATE_SERVER_GRAFEAS_ROUTES_H

#include "server/grafeas_call.h"

grafeas_handler grafeas_create_project, grafeas_get_project, grafeas_list_projects, grafeas_delete_project;
grafeas_handler grafeas_create_note, grafeas_get_note, grafeas_list_notes, grafeas_update_note, grafeas_delete_note;
grafeas_handler grafeas_list_note_occurrences;
grafeas_handler grafeas_create_occurrence, grafeas_get_occurrence, grafeas_list_occurrences, grafeas_update_occurrence,
	grafeas_delete_occurrence;
grafeas_handler grafeas_get_occurrence_note;
grafeas_handler grafeas_create_operation, grafeas_get_operation, grafeas_list_operations, grafeas_update_operation,
	grafeas_delete_operation;

#endif
