{{/*
What every pod of the release is made of: the restricted pod security standard, no token, no service
links (a Service named "bridge" would set BRIDGE_PORT), and the Secrets as files, in a volume that
follows them. A subPath would not.
*/}}
{{- define "callback-bridge.podMeta" -}}
labels:
  {{- with .root.Values.pod.labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- include "callback-bridge.selectorLabels" . | nindent 2 }}
{{- with .root.Values.pod.annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "callback-bridge.podSpec" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with .Values.pod }}
{{- with .priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}

{{- define "callback-bridge.container" -}}
image: {{ include "callback-bridge.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
resources:
  {{- toYaml .Values.resources | nindent 2 }}
{{- end }}

{{- define "callback-bridge.temporaryVolume" -}}
- name: temporary
  emptyDir:
    sizeLimit: 64Mi
{{- end }}

{{/* Where Kafka's credentials come from. Takes root, and a sasl that takes precedence over Kafka's. */}}
{{- define "callback-bridge.kafkaFiles" -}}
{{- $kafka := .root.Values.kafka -}}
{{- if hasPrefix "SASL" $kafka.securityProtocol }}
- secret:
    name: {{ .sasl.secretName | default $kafka.sasl.secretName | quote }}
    items:
      - key: {{ $kafka.sasl.secretKey | quote }}
        path: kafka-sasl/{{ $kafka.sasl.secretKey }}
{{- end }}
{{- with $kafka.tls.caSecretName }}
- secret:
    name: {{ . | quote }}
    items:
      - key: {{ $kafka.tls.caKey | quote }}
        path: kafka-ca/{{ $kafka.tls.caKey }}
{{- end }}
{{- with $kafka.tls.clientSecretName }}
- secret:
    name: {{ . | quote }}
    items:
      - key: tls.crt
        path: kafka-client/tls.crt
      - key: tls.key
        path: kafka-client/tls.key
{{- end }}
{{- end }}

{{/* All files below /etc/callback-bridge. Takes root, and a sasl that takes precedence over Kafka's. */}}
{{- define "callback-bridge.files" -}}
{{- with .root.Values -}}
- secret:
    name: {{ .accounts.secretName | quote }}
    items:
      - key: {{ .accounts.secretKey | quote }}
        path: accounts/{{ .accounts.secretKey }}
{{- if .replies.rules }}
- configMap:
    name: {{ include "callback-bridge.name" $.root }}-replies
    items:
      - key: rules.toml
        path: replies/rules.toml
      {{- range $file, $_ := .replies.documents }}
      - key: {{ $file }}
        path: replies/{{ $file }}
      {{- end }}
{{- end }}
{{- end }}
{{- include "callback-bridge.kafkaFiles" . }}
{{- end }}

{{/*
What `callback-bridge topics` runs in. It needs nothing of the release, which may not exist yet: settings
are with it, and the Secrets are yours. Takes root and arguments.
*/}}
{{- define "callback-bridge.topicsContainer" -}}
{{- $sasl := dict "root" .root "sasl" .root.Values.topics.sasl -}}
- name: topics
  args: [{{ join ", " .arguments }}]
  {{- include "callback-bridge.container" .root | nindent 2 }}
  env:
    {{- range $name, $value := include "callback-bridge.kafkaSettings" $sasl | fromYaml }}
    - name: {{ $name }}
      value: {{ $value | quote }}
    {{- end }}
  volumeMounts:
    - name: temporary
      mountPath: /tmp
    {{- if include "callback-bridge.kafkaFiles" $sasl }}
    - name: files
      mountPath: /etc/callback-bridge
      readOnly: true
    {{- end }}
{{- end }}

{{- define "callback-bridge.topicsVolumes" -}}
{{- include "callback-bridge.temporaryVolume" . }}
{{- with include "callback-bridge.kafkaFiles" (dict "root" . "sasl" .Values.topics.sasl) }}
- name: files
  projected:
    defaultMode: 0440
    sources:
      {{- . | trim | nindent 6 }}
{{- end }}
{{- end }}

{{/*
How long an orderly stop may take: the delay of the shutdown, the callbacks in flight, the flush to Kafka,
and 10 s for limits of the bridge's own: to stop the drain (2 s), each of two producers (2 s), the spool
(2 s) and the management port (1 s), and to end the process.
*/}}
{{- define "callback-bridge.gracePeriodSeconds" -}}
{{- $margin := 10 -}}
{{- with .Values -}}
{{- add $margin (addf .shutdown.delaySeconds .shutdown.timeoutSeconds .kafka.flushTimeoutSeconds | ceil) -}}
{{- end }}
{{- end }}
