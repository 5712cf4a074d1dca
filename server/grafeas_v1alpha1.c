#include "server/grafeas_version.h"

/* Rows. The first name is the canonical key, the second how v1alpha1 spells it. */
#define SCALAR(kind, key, spelling)                                    \
	{                                                              \
		.canonical = (key), .name = (spelling), .type = (kind) \
	}
#define SCALARS(kind, key, spelling)                                                        \
	{                                                                                   \
		.canonical = (key), .name = (spelling), .type = (kind), .shape = FIELD_LIST \
	}
#define TEXT(key, spelling) SCALAR(FIELD_TEXT, key, spelling)
#define TEXTS(key, spelling) SCALARS(FIELD_TEXT, key, spelling)
#define TEXT_MAP(key, spelling)                                                                \
	{                                                                                      \
		.canonical = (key), .name = (spelling), .type = FIELD_TEXT, .shape = FIELD_MAP \
	}
#define TIME(key, spelling) SCALAR(FIELD_TIME, key, spelling)
#define WORD(key, spelling, table)                                                            \
	{                                                                                     \
		.canonical = (key), .name = (spelling), .type = FIELD_ENUM, .words = &(table) \
	}
#define ONE(key, spelling, of)                                                                  \
	{                                                                                       \
		.canonical = (key), .name = (spelling), .type = FIELD_MESSAGE, .message = &(of) \
	}
#define MANY(key, spelling, of)                                                                                      \
	{                                                                                                            \
		.canonical = (key), .name = (spelling), .type = FIELD_MESSAGE, .shape = FIELD_LIST, .message = &(of) \
	}
#define INLINE(spelling, of)                                                \
	{                                                                   \
		.name = (spelling), .type = FIELD_MESSAGE, .message = &(of) \
	}
#define CHOICE(group, key, spelling, of)                                                                          \
	{                                                                                                         \
		.canonical = (key), .name = (spelling), .type = FIELD_MESSAGE, .message = &(of), .oneof = (group) \
	}
#define CHOICE_TEXT(group, key, spelling)                                                    \
	{                                                                                    \
		.canonical = (key), .name = (spelling), .type = FIELD_TEXT, .oneof = (group) \
	}

#define MESSAGE(name, ...)                                                                                     \
	static const struct field name##_fields[] = {__VA_ARGS__};                                             \
	_Static_assert(sizeof(name##_fields) <= MESSAGE_FIELDS_MAX * sizeof(struct field), "too many fields"); \
	static const struct message name = {name##_fields, sizeof(name##_fields) / sizeof(struct field)}
#define ENUM(name, is_open, ...)                                      \
	static const struct enum_word name##_words[] = {__VA_ARGS__}; \
	static const struct enum_table name = {name##_words, sizeof(name##_words) / sizeof(struct enum_word), is_open}

ENUM(kind_words, false, {"KIND_UNSPECIFIED", "KIND_UNSPECIFIED", 0}, {"VULNERABILITY", "PACKAGE_VULNERABILITY", 2},
     {"BUILD", "BUILD_DETAILS", 3}, {"IMAGE", "IMAGE_BASIS", 4}, {"PACKAGE", "PACKAGE_MANAGER", 5},
     {"DEPLOYMENT", "DEPLOYABLE", 6}, {"DISCOVERY", "DISCOVERY", 7}, {"ATTESTATION", "ATTESTATION_AUTHORITY", 8},
     {"CUSTOM", "CUSTOM", ENUM_NO_NUMBER}, {"KIND_UNSPECIFIED", "UNKNOWN", ENUM_NO_NUMBER});
ENUM(severity_words, false, {"SEVERITY_UNSPECIFIED", "SEVERITY_UNSPECIFIED", 0}, {"MINIMAL", "MINIMAL", 1},
     {"LOW", "LOW", 2}, {"MEDIUM", "MEDIUM", 3}, {"HIGH", "HIGH", 4}, {"CRITICAL", "CRITICAL", 5},
     {"SEVERITY_UNSPECIFIED", "UNKNOWN", ENUM_NO_NUMBER});
ENUM(version_words, false, {"NORMAL", "NORMAL", 0}, {"MINIMUM", "MINIMUM", 1}, {"MAXIMUM", "MAXIMUM", 2});
ENUM(architecture_words, false, {"ARCHITECTURE_UNSPECIFIED", "ARCHITECTURE_UNSPECIFIED", 0}, {"X86", "X86", 1},
     {"X64", "X64", 2}, {"ARCHITECTURE_UNSPECIFIED", "UNKNOWN", ENUM_NO_NUMBER});
ENUM(platform_words, false, {"PLATFORM_UNSPECIFIED", "PLATFORM_UNSPECIFIED", 0}, {"GKE", "GKE", 1}, {"FLEX", "FLEX", 2},
     {"CUSTOM", "CUSTOM", 3});
ENUM(directive_words, false, {"DIRECTIVE_UNSPECIFIED", "DIRECTIVE_UNSPECIFIED", 0}, {"MAINTAINER", "MAINTAINER", 1},
     {"RUN", "RUN", 2}, {"CMD", "CMD", 3}, {"LABEL", "LABEL", 4}, {"EXPOSE", "EXPOSE", 5}, {"ENV", "ENV", 6},
     {"ADD", "ADD", 7}, {"COPY", "COPY", 8}, {"ENTRYPOINT", "ENTRYPOINT", 9}, {"VOLUME", "VOLUME", 10},
     {"USER", "USER", 11}, {"WORKDIR", "WORKDIR", 12}, {"ARG", "ARG", 13}, {"ONBUILD", "ONBUILD", 14},
     {"STOPSIGNAL", "STOPSIGNAL", 15}, {"HEALTHCHECK", "HEALTHCHECK", 16}, {"SHELL", "SHELL", 17},
     {"DIRECTIVE_UNSPECIFIED", "UNKNOWN_DIRECTIVE", ENUM_NO_NUMBER});
ENUM(hash_words, false, {"NONE", "NONE", 0}, {"SHA256", "SHA256", 1}, {"MD5", "MD5", ENUM_NO_NUMBER});
ENUM(key_words, false, {"KEY_TYPE_UNSPECIFIED", "KEY_TYPE_UNSPECIFIED", 0},
     {"PGP_ASCII_ARMORED", "PGP_ASCII_ARMORED", 1}, {"PKIX_PEM", "PKIX_PEM", 2},
     {"KEY_TYPE_UNSPECIFIED", "UNSET", ENUM_NO_NUMBER});
ENUM(alias_words, false, {"KIND_UNSPECIFIED", "KIND_UNSPECIFIED", 0}, {"FIXED", "FIXED", 1}, {"MOVABLE", "MOVABLE", 2},
     {"OTHER", "OTHER", 4}, {"KIND_UNSPECIFIED", "ANY", ENUM_NO_NUMBER});
/* Dialect A never checked it, and the demonstration sends a media type. */
ENUM(content_words, true, {"CONTENT_TYPE_UNSPECIFIED", "CONTENT_TYPE_UNSPECIFIED", 0},
     {"SIMPLE_SIGNING_JSON", "SIMPLE_SIGNING_JSON", 1});

MESSAGE(status, SCALAR(FIELD_INT32, "code", "code"), TEXT("message", "message"),
	SCALARS(FIELD_OBJECT, "details", "details"));
MESSAGE(operation, TEXT("name", "name"), SCALAR(FIELD_OBJECT, "metadata", "metadata"),
	SCALAR(FIELD_BOOL, "done", "done"), CHOICE(1, "error", "error", status),
	{.canonical = "response", .name = "response", .type = FIELD_OBJECT, .oneof = 1});
MESSAGE(operation_request, TEXT("name", "name"), TEXT("parent", "parent"), TEXT("operationId", "operationId"),
	ONE("operation", "operation", operation));
MESSAGE(project, TEXT("name", "name"));

MESSAGE(version, SCALAR(FIELD_INT32, "epoch", "epoch"), TEXT("name", "name"), TEXT("revision", "revision"),
	{.canonical = "kind", .name = "kind", .type = FIELD_ENUM, .words = &version_words, .absent = "NORMAL"});

MESSAGE(location, TEXT("cpeUri", "cpeUri"), TEXT("package", "package"), ONE("version", "version", version));
MESSAGE(affected, TEXT("affectedCpeUri", "cpeUri"), TEXT("affectedPackage", "package"),
	ONE("affectedVersion", "version", version));
MESSAGE(fixed, TEXT("fixedCpeUri", "cpeUri"), TEXT("fixedPackage", "package"), ONE("fixedVersion", "version", version));
MESSAGE(detail, TEXT("affectedCpeUri", "cpeUri"), TEXT("affectedPackage", "package"),
	ONE("affectedVersionStart", "minAffectedVersion", version),
	ONE("affectedVersionEnd", "maxAffectedVersion", version), TEXT("severityName", "severityName"),
	TEXT("description", "description"), INLINE("fixedLocation", fixed), TEXT("packageType", "packageType"));
MESSAGE(vulnerability_note, SCALAR(FIELD_NUMBER, "cvssScore", "cvssScore"),
	WORD("severity", "severity", severity_words), MANY("details", "details", detail),
	TEXT("packageType", "packageType"));
MESSAGE(package_issue, INLINE("affectedLocation", affected), INLINE("fixedLocation", fixed),
	TEXT("severityName", "severityName"));
MESSAGE(vulnerability_details, TEXT("type", "type"), WORD("severity", "severity", severity_words),
	SCALAR(FIELD_NUMBER, "cvssScore", "cvssScore"), MANY("packageIssue", "packageIssue", package_issue),
	ONE("affectedLocation", "affectedLocation", location), ONE("fixedLocation", "fixedLocation", location));

MESSAGE(build_signature, TEXT("publicKey", "publicKey"), TEXT("signature", "signature"), TEXT("keyId", "keyId"),
	WORD("keyType", "keyType", key_words));
MESSAGE(build_note, TEXT("builderVersion", "builderVersion"), ONE("signature", "signature", build_signature));
MESSAGE(command, TEXT("name", "name"), TEXTS("env", "env"), TEXTS("args", "args"), TEXT("dir", "dir"), TEXT("id", "id"),
	TEXTS("waitFor", "waitFor"));
MESSAGE(artifact, TEXT("name", "name"), TEXT("checksum", "checksum"), TEXT("id", "id"), TEXTS("names", "names"));
MESSAGE(storage_source, TEXT("bucket", "bucket"), TEXT("object", "object"),
	SCALAR(FIELD_INT64, "generation", "generation"));
MESSAGE(repo_source, TEXT("projectId", "projectId"), TEXT("repoName", "repoName"),
	CHOICE_TEXT(1, "branchName", "branchName"), CHOICE_TEXT(1, "tagName", "tagName"),
	CHOICE_TEXT(1, "commitSha", "commitSha"));
MESSAGE(hash, WORD("type", "type", hash_words), SCALAR(FIELD_BYTES, "value", "value"));
MESSAGE(file_hashes, MANY("fileHash", "fileHash", hash));
MESSAGE(project_repo, TEXT("projectId", "projectId"), TEXT("repoName", "repoName"));
MESSAGE(repo_id, CHOICE(1, "projectRepoId", "projectRepoId", project_repo), CHOICE_TEXT(1, "uid", "uid"));
MESSAGE(alias_context, WORD("kind", "kind", alias_words), TEXT("name", "name"));
MESSAGE(cloud_repo, ONE("repoId", "repoId", repo_id), CHOICE_TEXT(1, "revisionId", "revisionId"),
	CHOICE_TEXT(1, "aliasName", "aliasName"), CHOICE(1, "aliasContext", "aliasContext", alias_context));
MESSAGE(workspace_id, ONE("repoId", "repoId", repo_id), TEXT("name", "name"));
MESSAGE(cloud_workspace, ONE("workspaceId", "workspaceId", workspace_id), TEXT("snapshotId", "snapshotId"));
MESSAGE(gerrit, TEXT("hostUri", "hostUri"), TEXT("gerritProject", "gerritProject"),
	CHOICE_TEXT(1, "revisionId", "revisionId"), CHOICE_TEXT(1, "aliasName", "aliasName"),
	CHOICE(1, "aliasContext", "aliasContext", alias_context));
MESSAGE(git, TEXT("url", "url"), TEXT("revisionId", "revisionId"));

#define CONTEXTS                                                                                                       \
	CHOICE(1, "cloudRepo", "cloudRepo", cloud_repo),                                                               \
		CHOICE(1, "cloudWorkspace", "cloudWorkspace", cloud_workspace), CHOICE(1, "gerrit", "gerrit", gerrit), \
		CHOICE(1, "git", "git", git)

MESSAGE(context, CONTEXTS, TEXT_MAP("labels", "labels"));
/* Dialect A keeps the labels one level further out. */
MESSAGE(bare_context, CONTEXTS);
MESSAGE(extended_context, INLINE("context", bare_context), TEXT_MAP("labels", "labels"));
MESSAGE(source, CHOICE(1, "storageSource", "storageSource", storage_source),
	CHOICE(1, "repoSource", "repoSource", repo_source),
	ONE("artifactStorageSource", "artifactStorageSource", storage_source),
	{.canonical = "fileHashes",
	 .name = "fileHashes",
	 .type = FIELD_MESSAGE,
	 .shape = FIELD_MAP,
	 .message = &file_hashes},
	ONE("context", "context", context), ONE("context", "sourceContext", extended_context),
	MANY("additionalContexts", "additionalContexts", context),
	MANY("additionalContexts", "additionalSourceContexts", extended_context));
MESSAGE(provenance, TEXT("id", "id"), TEXT("projectId", "projectId"), SCALAR(FIELD_INT64, "projectNum", "projectNum"),
	MANY("commands", "commands", command), MANY("builtArtifacts", "builtArtifacts", artifact),
	TIME("createTime", "createTime"), TIME("startTime", "startTime"), TIME("endTime", "finishTime"),
	SCALAR(FIELD_INT64, "userId", "userId"), TEXT("creator", "creator"), TEXT("logsUri", "logsBucket"),
	ONE("sourceProvenance", "sourceProvenance", source), TEXT("triggerId", "triggerId"),
	TEXT_MAP("buildOptions", "buildOptions"), TEXT("builderVersion", "builderVersion"));
MESSAGE(build_details, ONE("provenance", "provenance", provenance), TEXT("provenanceBytes", "provenanceBytes"));

MESSAGE(fingerprint, TEXT("v1Name", "v1Name"), TEXTS("v2Blob", "v2Blob"), TEXT("v2Name", "v2Name"));
MESSAGE(layer, WORD("directive", "directive", directive_words), TEXT("arguments", "arguments"));
MESSAGE(image_note, TEXT("resourceUrl", "resourceUrl"), ONE("fingerprint", "fingerprint", fingerprint));
MESSAGE(image_details, ONE("fingerprint", "fingerprint", fingerprint), SCALAR(FIELD_UINT32, "distance", "distance"),
	MANY("layerInfo", "layerInfo", layer), TEXT("baseResourceUrl", "baseResourceUrl"));

MESSAGE(distribution, TEXT("cpeUri", "cpeUri"), WORD("architecture", "architecture", architecture_words),
	ONE("latestVersion", "latestVersion", version), TEXT("maintainer", "maintainer"), TEXT("url", "url"),
	TEXT("description", "description"));
MESSAGE(package_note, TEXT("name", "name"), MANY("distribution", "distribution", distribution));
MESSAGE(installed_at, TEXT("cpeUri", "cpeUri"), ONE("version", "version", version), TEXT("path", "path"));
MESSAGE(package_details, TEXT("name", "name"), MANY("location", "location", installed_at));

MESSAGE(deployment_note, TEXTS("resourceUri", "resourceUri"));
MESSAGE(deployment_details, TEXT("userEmail", "userEmail"), TIME("deployTime", "deployTime"),
	TIME("undeployTime", "undeployTime"),
	{.canonical = "config", .name = "config", .type = FIELD_TEXT, .shape = FIELD_EITHER},
	TEXT("address", "address"), TEXTS("resourceUri", "resourceUri"), WORD("platform", "platform", platform_words));

MESSAGE(discovery_note, WORD("analysisKind", "analysisKind", kind_words));
MESSAGE(discovery_details, ONE("operation", "operation", operation));

MESSAGE(hint, TEXT("humanReadableName", "humanReadableName"));
MESSAGE(attestation_note, ONE("hint", "hint", hint));
MESSAGE(pgp_signed, TEXT("signature", "signature"), WORD("contentType", "contentType", content_words),
	TEXT("pgpKeyId", "pgpKeyId"));
MESSAGE(attestation_details, ONE("pgpSignedAttestation", "pgpSignedAttestation", pgp_signed));
MESSAGE(custom_details, TEXT("description", "description"));

MESSAGE(related_url, TEXT("url", "url"), TEXT("label", "label"));
MESSAGE(note, TEXT("name", "name"), TEXT("shortDescription", "shortDescription"),
	TEXT("longDescription", "longDescription"), WORD("kind", "kind", kind_words),
	CHOICE(1, "vulnerability", "vulnerabilityType", vulnerability_note),
	CHOICE(1, "build", "buildType", build_note), CHOICE(1, "image", "baseImage", image_note),
	CHOICE(1, "package", "package", package_note), CHOICE(1, "deployment", "deployable", deployment_note),
	CHOICE(1, "discovery", "discovery", discovery_note),
	CHOICE(1, "attestation", "attestationAuthority", attestation_note),
	MANY("relatedUrl", "relatedUrl", related_url), TIME("expirationTime", "expirationTime"),
	TIME("createTime", "createTime"), TIME("updateTime", "updateTime"), TEXT("operationName", "operationName"),
	TEXTS("relatedNoteNames", "relatedNoteNames"));

/* Where two rows share a key, the first is dialect A (2017), the second B (2018). */
MESSAGE(occurrence, TEXT("name", "name"), TEXT("resourceUri", "resourceUrl"), TEXT("noteName", "noteName"),
	WORD("kind", "kind", kind_words), CHOICE(1, "custom", "customDetails", custom_details),
	CHOICE(1, "vulnerability", "vulnerabilityDetails", vulnerability_details),
	CHOICE(1, "build", "buildDetails", build_details), CHOICE(1, "image", "derivedImage", image_details),
	CHOICE(1, "image", "derivedImageDetails", image_details), CHOICE(1, "package", "installation", package_details),
	CHOICE(1, "package", "installationDetails", package_details),
	CHOICE(1, "deployment", "deployment", deployment_details),
	CHOICE(1, "deployment", "deploymentDetails", deployment_details),
	CHOICE(1, "discovery", "discovered", discovery_details),
	CHOICE(1, "discovery", "discoveredDetails", discovery_details),
	CHOICE(1, "attestation", "attestation", attestation_details),
	CHOICE(1, "attestation", "attestationDetails", attestation_details), TEXT("remediation", "remediation"),
	TIME("createTime", "createTime"), TIME("updateTime", "updateTime"), TEXT("operationName", "operationName"));

const struct grafeas_version grafeas_v1alpha1 = {
	.name = "v1alpha1",
	.project = &project,
	.note = &note,
	.occurrence = &occurrence,
	.operation = &operation,
	.operation_request = &operation_request,
	.exists_status = 400,
	.raw_line_breaks = true,
};
