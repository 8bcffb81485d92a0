{{/*
Names and labels. 40 characters leave room for what Kubernetes and this chart put behind a name: a
CronJob's may have 52 characters, a StatefulSet's revision label 63.
*/}}
{{- define "callback-bridge.name" -}}
{{- $name := .Release.Name -}}
{{- if not (contains .Chart.Name $name) }}{{ $name = printf "%s-%s" $name .Chart.Name }}{{ end -}}
{{ $name | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "callback-bridge.releaseLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{/* Labels that pods are selected by. Takes root and component. */}}
{{- define "callback-bridge.selectorLabels" -}}
{{ include "callback-bridge.releaseLabels" .root }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "callback-bridge.labels" -}}
{{ include "callback-bridge.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "callback-bridge.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{/* Host and path of publicUrl. A host has no case, but Kubernetes takes it in lower case alone. */}}
{{- define "callback-bridge.host" -}}
{{ (urlParse .Values.publicUrl).host | splitList ":" | first | lower | quote }}
{{- end }}
{{- define "callback-bridge.path" -}}
{{ (urlParse .Values.publicUrl).path }}
{{- end }}

{{/*
Beginnings of the paths that Plivo may call: those of the callbacks, and with rules those of applications,
which `bridge/reply/application_paths.py` defines.
*/}}
{{- define "callback-bridge.calledPaths" -}}
{{ empty .Values.replies.rules | ternary "/plivo" "/plivo,/applications" }}
{{- end }}
