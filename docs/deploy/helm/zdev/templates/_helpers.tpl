{{- define "zdev.selector" -}}
app.kubernetes.io/name: zdev
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "zdev.metadata" -}}
name: {{ .Release.Name }}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "zdev.labels" . | nindent 2 }}
{{- end }}

{{- define "zdev.labels" -}}
{{ include "zdev.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "zdev.image" -}}
image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- end }}

{{- define "zdev.confined" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end }}

{{- define "zdev.mounts" -}}
volumeMounts:
  - { name: config, mountPath: /etc/zdev/zdev.toml, subPath: zdev.toml, readOnly: true }
  {{- range $folder, $_ := .Values.keys.clients }}
  - { name: {{ $folder }}, mountPath: /etc/zdev/{{ $folder }}, readOnly: true }
  {{- end }}
  - { name: run, mountPath: /run/zdev }
{{- end }}
