-- Nothing: one process serves a file, so that there are no instances to know of.
SELECT 1;
