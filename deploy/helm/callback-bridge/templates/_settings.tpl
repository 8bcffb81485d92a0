{{/*
The bridge's settings, as YAML of names and texts. Numbers are written out whole: YAML reads them as
floating point, which Helm would print as 6.7108864e+07.
*/}}
{{- define "callback-bridge.number" -}}
{{- if eq (floor .) (float64 .) }}{{ int64 . }}{{ else }}{{ . }}{{ end -}}
{{- end }}

{{/*
45 % of the volume: SQLite's file is at most twice as large as the records in it, and the rest is for its
WAL and the file system.
*/}}
{{- define "callback-bridge.spoolBytesMax" -}}
{{- $unit := ternary 1073741824 1048576 (hasSuffix "Gi" .Values.spool.size) -}}
{{- div (mul 45 $unit (regexFind "^[0-9]+" .Values.spool.size | int64)) 100 -}}
{{- end }}

{{/* Kafka and its topics: all that the Job for the topics needs. Takes root, and a sasl that takes precedence over Kafka's. */}}
{{- define "callback-bridge.kafkaSettings" -}}
{{- $kafka := .root.Values.kafka -}}
{{- $topics := .root.Values.topics -}}
BRIDGE_KAFKA_BOOTSTRAP_SERVERS: {{ $kafka.bootstrapServers | quote }}
BRIDGE_KAFKA_CLIENT_ID: {{ $kafka.clientId | quote }}
BRIDGE_KAFKA_SECURITY_PROTOCOL: {{ $kafka.securityProtocol | quote }}
{{- if hasPrefix "SASL" $kafka.securityProtocol }}
{{- $username := .sasl.username | default $kafka.sasl.username }}
{{- $file := printf "/etc/callback-bridge/kafka-sasl/%s" $kafka.sasl.secretKey }}
BRIDGE_KAFKA_SASL_MECHANISM: {{ $kafka.sasl.mechanism | quote }}
{{- if eq $kafka.sasl.mechanism "OAUTHBEARER" }}
BRIDGE_KAFKA_SASL_OAUTH_TOKEN_URL: {{ $kafka.sasl.oauthTokenUrl | quote }}
BRIDGE_KAFKA_SASL_OAUTH_CLIENT_ID: {{ $username | quote }}
BRIDGE_KAFKA_SASL_OAUTH_CLIENT_SECRET_FILE: {{ $file | quote }}
{{- with $kafka.sasl.oauthScope }}
BRIDGE_KAFKA_SASL_OAUTH_SCOPE: {{ . | quote }}
{{- end }}
{{- else }}
BRIDGE_KAFKA_SASL_USERNAME: {{ $username | quote }}
BRIDGE_KAFKA_SASL_PASSWORD_FILE: {{ $file | quote }}
{{- end }}
{{- end }}
{{- if $kafka.tls.caSecretName }}
BRIDGE_KAFKA_TLS_CA_FILE: {{ printf "/etc/callback-bridge/kafka-ca/%s" $kafka.tls.caKey | quote }}
{{- end }}
{{- if $kafka.tls.clientSecretName }}
BRIDGE_KAFKA_TLS_CERTIFICATE_FILE: /etc/callback-bridge/kafka-client/tls.crt
BRIDGE_KAFKA_TLS_KEY_FILE: /etc/callback-bridge/kafka-client/tls.key
{{- end }}
BRIDGE_KAFKA_ACK_TIMEOUT_S: {{ include "callback-bridge.number" $kafka.ackTimeoutSeconds | quote }}
BRIDGE_KAFKA_CONTROL_ACK_TIMEOUT_S: {{ include "callback-bridge.number" $kafka.controlAckTimeoutSeconds | quote }}
BRIDGE_KAFKA_LINGER_MS: {{ include "callback-bridge.number" $kafka.lingerMilliseconds | quote }}
BRIDGE_KAFKA_FLUSH_TIMEOUT_S: {{ include "callback-bridge.number" $kafka.flushTimeoutSeconds | quote }}
BRIDGE_TOPIC_PREFIX: {{ .root.Values.topicPrefix | quote }}
BRIDGE_TOPICS_PARTITIONS: {{ include "callback-bridge.number" $topics.partitions | quote }}
BRIDGE_TOPICS_REPLICATION_FACTOR: {{ include "callback-bridge.number" $topics.replicationFactor | quote }}
BRIDGE_TOPICS_MIN_INSYNC_REPLICAS: {{ include "callback-bridge.number" $topics.minInsyncReplicas | quote }}
BRIDGE_TOPICS_EVENT_RETENTION_DAYS: {{ include "callback-bridge.number" $topics.eventRetentionDays | quote }}
BRIDGE_TOPICS_JOURNAL_RETENTION_DAYS: {{ include "callback-bridge.number" $topics.journalRetentionDays | quote }}
BRIDGE_TOPICS_DEAD_LETTER_RETENTION_DAYS: {{ include "callback-bridge.number" $topics.deadLetterRetentionDays | quote }}
BRIDGE_TOPICS_REJECTED_RETENTION_DAYS: {{ include "callback-bridge.number" $topics.rejectedRetentionDays | quote }}
BRIDGE_TOPICS_REJECTED_RETENTION_BYTES: {{ include "callback-bridge.number" $topics.rejectedRetentionBytes | quote }}
{{- end }}

{{- define "callback-bridge.settings" -}}
{{- with .Values -}}
{{ include "callback-bridge.kafkaSettings" (dict "root" $ "sasl" dict) }}
BRIDGE_PORT: "8080"
BRIDGE_MANAGEMENT_HOST: "0.0.0.0"
BRIDGE_MANAGEMENT_PORT: "9090"
{{- if .publicUrl }}
BRIDGE_PUBLIC_URL: {{ .publicUrl | quote }}
{{- end }}
BRIDGE_TRUSTED_PROXIES: {{ join "," .trustedProxies | quote }}
BRIDGE_ALLOWED_HOSTS: {{ join "," .allowedHosts | quote }}
BRIDGE_VERIFICATION: {{ .verification | quote }}
BRIDGE_ACCEPT_V2: {{ .acceptV2 | quote }}
BRIDGE_ACCEPT_AGENTSTACK_V3: {{ .acceptAgentstackV3 | quote }}
BRIDGE_ACCOUNTS_FILE: {{ printf "/etc/callback-bridge/accounts/%s" .accounts.secretKey | quote }}
BRIDGE_CONTEXT_PARAMETERS: {{ join "," .contextParameters | quote }}
{{- if .replies.rules }}
BRIDGE_REPLIES_FILE: /etc/callback-bridge/replies/rules.toml
{{- end }}
BRIDGE_SCHEMA_BASE_URL: {{ .schemaBaseUrl | quote }}
BRIDGE_LOG_LEVEL: {{ .logLevel | quote }}
BRIDGE_LOG_PUBLISHED_EVERY: {{ include "callback-bridge.number" .logPublishedEvery | quote }}
BRIDGE_LOG_UNVERIFIED_PER_MINUTE_MAX: {{ include "callback-bridge.number" .logUnverifiedPerMinuteMax | quote }}
BRIDGE_SPOOL_ENABLED: {{ .spool.enabled | quote }}
{{- if .spool.enabled }}
BRIDGE_SPOOL_DIRECTORY: /var/lib/callback-bridge/spool
BRIDGE_SPOOL_BYTES_MAX: {{ include "callback-bridge.spoolBytesMax" $ | quote }}
BRIDGE_SPOOL_APPEND_TIMEOUT_S: {{ include "callback-bridge.number" .spool.appendTimeoutSeconds | quote }}
BRIDGE_SPOOL_RECORDS_MAX: {{ include "callback-bridge.number" .spool.recordsMax | quote }}
{{- end }}
BRIDGE_BODY_BYTES_MAX: {{ include "callback-bridge.number" .limits.bodyBytesMax | quote }}
BRIDGE_URL_BYTES_MAX: {{ include "callback-bridge.number" .limits.urlBytesMax | quote }}
BRIDGE_PARAMETERS_MAX: {{ include "callback-bridge.number" .limits.parametersMax | quote }}
BRIDGE_IN_FLIGHT_MAX: {{ include "callback-bridge.number" .limits.inFlightMax | quote }}
BRIDGE_IN_FLIGHT_BYTES_MAX: {{ include "callback-bridge.number" .limits.inFlightBytesMax | quote }}
BRIDGE_CONNECTIONS_MAX: {{ include "callback-bridge.number" .limits.connectionsMax | quote }}
BRIDGE_READ_TIMEOUT_S: {{ include "callback-bridge.number" .limits.readTimeoutSeconds | quote }}
BRIDGE_REJECTED_PER_MINUTE_MAX: {{ include "callback-bridge.number" .limits.rejectedPerMinuteMax | quote }}
BRIDGE_SHUTDOWN_DELAY_S: {{ include "callback-bridge.number" .shutdown.delaySeconds | quote }}
BRIDGE_SHUTDOWN_TIMEOUT_S: {{ include "callback-bridge.number" .shutdown.timeoutSeconds | quote }}
{{- end }}
{{- end }}
