"""What users give, checked before anything changes: options, arrays, targets, samples."""
