/*
 * SWGI_AUDIT_ACTION(NAME, "what"): what a row of the audit can tell of. The writer, `audit --action`, GET /v1/audit and its
 * description know these and no others.
 */
SWGI_AUDIT_ACTION(TRIP, "a circuit opened, by a rule or by hand")
SWGI_AUDIT_ACTION(RECOVER, "it closed by itself")
SWGI_AUDIT_ACTION(PROBE, "it lets calls through to see, by itself or by hand")
SWGI_AUDIT_ACTION(RAMP, "it lets more of them through")
SWGI_AUDIT_ACTION(RESET, "it was closed by hand")
SWGI_AUDIT_ACTION(MODE, "it was isolated, disabled, shadowed, or handed back to its rules")
SWGI_AUDIT_ACTION(CONFIG, "settings changed, or a file was reloaded or refused")
SWGI_AUDIT_ACTION(ALERT, "an alert fired or ended")
SWGI_AUDIT_ACTION(RESTORE, "what another panel had was put back")
SWGI_AUDIT_ACTION(GAP, "something could not be written")
