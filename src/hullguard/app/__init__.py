"""The only assembler: settings, the processes, the command line. Everything else can be imported without effects."""
