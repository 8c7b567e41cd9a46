{{/* cdrelay's two containers: the check of the configuration, and the server. */}}

{{/* Reads the configuration as the server will, with the same variables and files, and
     ends the start with a message where it is bad. It asks neither disk nor network. */}}
{{- define "cdrelay.checkContainer" -}}
name: check-config
image: {{ include "cdrelay.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
args: [check, -c, /etc/cdrelay/config.yaml]
# `kubectl describe pod` shows what is wrong.
terminationMessagePolicy: FallbackToLogsOnError
{{- include "cdrelay.containerBase" . }}
volumeMounts:
  {{- include "cdrelay.inputMounts" . | nindent 2 }}
{{- end }}

{{/* The server, without what depends on where it runs (cdrelay.serverProbes). */}}
{{- define "cdrelay.serverContainer" -}}
name: cdrelay
image: {{ include "cdrelay.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
args: [serve, -c, /etc/cdrelay/config.yaml]
{{- if include "cdrelay.beside" . }}
# A native sidecar: starts before the application, stops after it.
restartPolicy: Always
{{- end }}
terminationMessagePolicy: FallbackToLogsOnError
ports:
  - name: callbacks
    containerPort: {{ include "cdrelay.port" .Values.config.listen }}
    protocol: TCP
  - name: admin
    containerPort: {{ include "cdrelay.port" .Values.config.admin.listen }}
    protocol: TCP
{{- include "cdrelay.serverProbes" . }}
{{- include "cdrelay.containerBase" . }}
volumeMounts:
  - name: data
    mountPath: /data
  - name: tmp
    mountPath: /tmp
  {{- include "cdrelay.inputMounts" . | nindent 2 }}
{{- end }}

{{/* A sidecar's readiness counts for the whole pod: a full spool would take the
     application out of service. So only standalone pods have that probe. */}}
{{- define "cdrelay.serverProbes" }}
# A spool may have to be migrated first.
startupProbe:
  httpGet:
    path: /healthz
    port: admin
  periodSeconds: 2
  failureThreshold: 150
# Never depends on the disk or on sinks: a restart mends neither.
livenessProbe:
  httpGet:
    path: /healthz
    port: admin
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
{{- if not (include "cdrelay.beside" .) }}
readinessProbe:
  httpGet:
    path: /readyz
    port: admin
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 2
{{- end }}
{{- end }}

{{/* What both containers have. The resources are the same because a pod reserves the
     larger of its init containers and its running ones: the check costs nothing. The
     server fits its garbage collector to the memory limit by itself. */}}
{{- define "cdrelay.containerBase" }}
securityContext:
  {{- toYaml .Values.securityContext | nindent 2 }}
resources:
  {{- toYaml .Values.resources | nindent 2 }}
{{- if or .Values.adminToken.secret .Values.extraEnv }}
env:
  {{- with .Values.adminToken }}
  {{- if .secret }}
  - name: CDRELAY_ADMIN_TOKEN
    valueFrom:
      secretKeyRef:
        name: {{ .secret }}
        key: {{ .key }}
  {{- end }}
  {{- end }}
  {{- with .Values.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
{{- with .Values.secrets.env }}
envFrom:
  {{- range . }}
  - secretRef:
      name: {{ . }}
  {{- end }}
{{- end }}
{{- end }}

{{/* What cdrelay reads. */}}
{{- define "cdrelay.inputMounts" -}}
# The whole folder: a single file of it would never change.
- name: config
  mountPath: /etc/cdrelay
  readOnly: true
{{- range $i, $name := .Values.secrets.files }}
- name: secret-{{ $i }}
  mountPath: /secrets/{{ $name }}
  readOnly: true
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}
