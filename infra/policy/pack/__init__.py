"""The rules as a Pulumi policy pack: they judge the containers that a program really declares, whoever wrote it."""
