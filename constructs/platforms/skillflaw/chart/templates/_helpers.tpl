{{- define "skillflaw.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "skillflaw.fullname" -}}
{{- default .Release.Name .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "skillflaw.selectorLabels" -}}
app.kubernetes.io/name: {{ include "skillflaw.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "skillflaw.labels" -}}
{{ include "skillflaw.selectorLabels" . }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | quote }}
{{- end -}}

{{- define "skillflaw.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag }}
{{- end -}}
{{- end -}}

{{- define "skillflaw.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{ default (include "skillflaw.fullname" .) .Values.serviceAccount.name }}
{{- else -}}
{{ default "default" .Values.serviceAccount.name }}
{{- end -}}
{{- end -}}

{{- define "skillflaw.claim" -}}
{{ default (printf "%s-config" (include "skillflaw.fullname" .)) .Values.config.existingClaim }}
{{- end -}}

{{- /* Variables of the server; the container that migrates needs the same. */ -}}
{{- define "skillflaw.env" -}}
- name: SKILLFLAW_DATABASE_URL
  valueFrom:
    secretKeyRef:
      name: {{ default (printf "%s-db" (include "skillflaw.fullname" .)) .Values.database.existingSecret | quote }}
      key: {{ .Values.database.urlKey | quote }}
- name: SKILLFLAW_DATABASE_CONNECTION_RETRY
  value: "True"
- name: SKILLFLAW_DB_CONNECTION_SETTINGS
  value: {{ dict "pool_size" (int .Values.database.pool.size) "max_overflow" (int .Values.database.pool.maxOverflow) "pool_timeout" 30 "pool_pre_ping" true "pool_recycle" 1800 | toJson | quote }}
- name: SKILLFLAW_KNOWLEDGE_BASE_STORAGE_POOL_SIZE
  value: "2"
- name: SKILLFLAW_CONFIG_DIR
  value: /var/lib/skillflaw
- name: HOME
  value: /tmp
{{- if .Values.secretKey.existingSecret }}
- name: SKILLFLAW_SECRET_KEY_FILE
  value: /etc/skillflaw/secret-key/{{ .Values.secretKey.key }}
{{- end }}
{{- if .Values.redis.host }}
- name: SKILLFLAW_CACHE_TYPE
  value: redis
- name: SKILLFLAW_JOB_QUEUE_TYPE
  value: redis
- name: SKILLFLAW_REDIS_HOST
  value: {{ .Values.redis.host | quote }}
- name: SKILLFLAW_REDIS_PORT
  value: {{ .Values.redis.port | quote }}
{{- if .Values.redis.existingSecret }}
- name: SKILLFLAW_REDIS_URL
  valueFrom:
    secretKeyRef:
      name: {{ .Values.redis.existingSecret | quote }}
      key: {{ .Values.redis.urlKey | quote }}
- name: SKILLFLAW_REDIS_QUEUE_URL
  valueFrom:
    secretKeyRef:
      name: {{ .Values.redis.existingSecret | quote }}
      key: {{ .Values.redis.queueUrlKey | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "skillflaw.volumeMounts" -}}
- name: tmp
  mountPath: /tmp
- name: config
  mountPath: /var/lib/skillflaw
{{- if .Values.database.ca.configMap }}
- name: db-ca
  mountPath: {{ .Values.database.ca.mountPath }}
  readOnly: true
{{- end }}
{{- if .Values.secretKey.existingSecret }}
- name: secret-key
  mountPath: /etc/skillflaw/secret-key
  readOnly: true
{{- end }}
{{- end -}}
