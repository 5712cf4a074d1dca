{{- define "labels" -}}
app.kubernetes.io/name: sealgate
app.kubernetes.io/part-of: sealgate
{{- end }}
{{- define "client" -}}
service: {namespace: {{ .Release.Namespace }}, name: sealgate, path: /validate, port: 443}
{{- with .Values.caBundle }}
caBundle: {{ . }}
{{- end }}
{{- end }}
